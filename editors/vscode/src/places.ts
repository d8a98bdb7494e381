/**
 * The documents that get ghost text: files, new documents that are not saved yet, and the cells of
 * notebooks. Old versions in a diff, output, results of a search and the box for a commit message
 * have schemes of their own.
 */
export const DOCUMENT_SELECTOR = [
  { scheme: 'file' },
  { scheme: 'untitled' },
  { scheme: 'vscode-notebook-cell' },
];

/** The part of a text editor that decides whether ghost text fits. */
export interface Cursors {
  document: object;
  selections: readonly { isEmpty: boolean }[];
}

/**
 * Whether ghost text fits the cursors of the active editor: there is one, and nothing is selected.
 * VS Code would insert the text of one place at all cursors. An editor of another document does not
 * count.
 */
export function hasSingleCursor(document: object, active: Cursors | undefined): boolean {
  if (active?.document !== document) return true;
  return active.selections.length === 1 && active.selections[0]?.isEmpty === true;
}
