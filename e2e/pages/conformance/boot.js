import init from './indexeddb_conformance.js';

await init();
