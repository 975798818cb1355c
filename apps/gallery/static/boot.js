import init from './driftless_gallery.js';

await init();
