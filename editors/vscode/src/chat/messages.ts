import type { Act, Decision, Question } from './acts';

/** What the page of the chat is told. */
export type ToPage =
  | { type: 'turns'; turns: Shown[] }
  | { type: 'answering' }
  | { type: 'piece'; text: string }
  | { type: 'act'; act: Act }
  | { type: 'asks'; question: Question }
  | { type: 'decided' | 'undone'; id: string }
  | { type: 'tools'; on: boolean }
  | { type: 'answered'; note: string }
  | { type: 'failed'; message: string; question: string }
  | { type: 'subject'; place: string };

/** A turn as the page draws it; `place` says what code it is about. */
export interface Shown {
  role: 'user' | 'assistant';
  text: string;
  acts: Act[];
  place: string;
}

/** What the user does on the page. */
export type FromPage =
  | { type: 'ready' }
  | { type: 'ask'; text: string }
  | { type: 'stop' }
  | { type: 'decide'; id: string; decision: Decision }
  | { type: 'undo'; id: string }
  | { type: 'tools' }
  | { type: 'insert' | 'apply' | 'copy'; code: string };
