function scaler(by) {
  return function scale(n) {
    return n * by;
  };
}
const scale = scaler(2);
export const hidden = { scale: scaler(1000) };
// biome-ignore lint/style/noDefaultExport: the default export is what the test is about
export default scale;
