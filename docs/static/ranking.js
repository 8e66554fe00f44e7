/* How Sphinx ranks what a search has found, by its own figures, but that decisions come after all else. */
var Scorer = {
  score: ([name, , , , score]) => (name.startsWith("docs/decisions/") ? score - 100 : score),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
