import { expect, test } from 'vitest';
import { called, ended } from '../src/chat/acts';

const result = { id: '1', title: 'Read a.py', text: 'x', isFailure: false, canUndo: false };

test('a call is named with what it is about', () => {
  const call = { id: '1', name: 'read_file', arguments: '{"path": "a.py", "last_line": 3}' };
  expect(called(call, 'working')).toEqual({
    id: '1',
    title: 'read_file a.py',
    state: 'working',
    text: '',
    canUndo: false,
  });
});

test.each(['', '{', 'null', '[]', '{"count": 3}'])('arguments %j need no text', (said) => {
  expect(called({ id: '1', name: 'git_log', arguments: said }, 'kept').title).toBe('git_log');
});

test('of a text with several lines the first is named', () => {
  const call = { id: '1', name: 'search', arguments: '{"text": "a\\nb"}' };
  expect(called(call, 'kept').title).toBe('search a');
});

test('a failure is drawn as one', () => {
  expect(ended(result).state).toBe('done');
  expect(ended({ ...result, isFailure: true }).state).toBe('failed');
});
