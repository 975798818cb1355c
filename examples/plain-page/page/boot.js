import init from './plain_page.js';

await init();
