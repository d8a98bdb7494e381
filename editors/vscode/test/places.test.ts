import { expect, test } from 'vitest';
import { DOCUMENT_SELECTOR, hasSingleCursor } from '../src/places';

const document = {};
const cursor = { isEmpty: true };
const selection = { isEmpty: false };

test('one cursor gets ghost text', () => {
  expect(hasSingleCursor(document, { document, selections: [cursor] })).toBe(true);
});

test('a selection and several cursors get none', () => {
  const several = [[selection], [cursor, cursor], [cursor, selection]];
  const allowed = several.map((selections) => hasSingleCursor(document, { document, selections }));
  expect(allowed).toEqual([false, false, false]);
});

test('the cursors of another document do not count', () => {
  const other = { document: {}, selections: [selection] };
  expect([hasSingleCursor(document, other), hasSingleCursor(document, undefined)]).toEqual([
    true,
    true,
  ]);
});

test('only documents that the user writes get ghost text', () => {
  const schemes = DOCUMENT_SELECTOR.map(({ scheme }) => scheme);
  expect(schemes).toEqual(['file', 'untitled', 'vscode-notebook-cell']);
});
