import init from './kit_page.js';

const wasm = await init();

/** The memory of WebAssembly, in bytes. */
globalThis.wasmBytes = () => wasm.memory.buffer.byteLength;
