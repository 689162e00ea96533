// The text of the whole begins with that of what it returns.
// biome-ignore lint/style/noDefaultExport: the default export is what the test is about
// biome-ignore lint/correctness/noUnusedFunctionParameters: the inner one is what is returned
export default (x) => (x) => x;
