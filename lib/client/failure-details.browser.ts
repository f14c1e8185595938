// Bundlers put this module in the place of `failure-details.js` into bundles for browsers, where its functions have no effect: see
// the field `browser` of package.json.

const noDetails = () => undefined;

export {
  noDetails as explainCode,
  noDetails as explainRejection,
  noDetails as onUpgradeRejected,
  noDetails as rejectionFrom,
};
