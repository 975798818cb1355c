import init from './existing_leptos.js';

await init();
