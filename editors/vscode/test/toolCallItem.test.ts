import { expect, test } from 'vitest';
import { createItemFromCall, createItemFromResult } from '../src/chat/toolCallItem';

const result = { id: '1', title: 'Read a.py', text: 'x', isFailure: false, canUndo: false };

test('the title of a call has the name of the tool and the first argument', () => {
  const call = { id: '1', name: 'read_file', arguments: '{"path": "a.py", "last_line": 3}' };
  expect(createItemFromCall(call, 'working')).toEqual({
    id: '1',
    title: 'read_file a.py',
    state: 'working',
    text: '',
    canUndo: false,
  });
});

test.each(['', '{', 'null', '[]', '{"count": 3}'])('arguments %j add no text', (json) => {
  const call = { id: '1', name: 'git_log', arguments: json };
  expect(createItemFromCall(call, 'kept').title).toBe('git_log');
});

test('the title has only the first line of an argument with several lines', () => {
  const call = { id: '1', name: 'search', arguments: '{"text": "a\\nb"}' };
  expect(createItemFromCall(call, 'kept').title).toBe('search a');
});

test('a failed result is drawn as a failure', () => {
  expect(createItemFromResult(result).state).toBe('done');
  expect(createItemFromResult({ ...result, isFailure: true }).state).toBe('failed');
});
