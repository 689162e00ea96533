import { adder } from './factories.mjs';

let later = adder(1);
// biome-ignore lint/style/noDefaultExport: the default export is what the test is about
export default later;
later = adder(100);
export const current = () => later;
