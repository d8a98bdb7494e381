/** The types of copilotd's own messages, as `editors/PROTOCOL.md` describes them. */

/** One streamed part of an answer: text, a tool call that began, or a tool call that ended. */
export interface PartialResult {
  delta?: string;
  call?: ToolCall;
  result?: ToolResult;
}

/** `arguments` is a JSON object as text. */
export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
}

export interface ToolResult {
  id: string;
  title: string;
  text: string;
  isFailure: boolean;
  canUndo: boolean;
}

/** `copilotd/approve`: the server asks for permission to run a tool. */
export interface ApprovalRequest {
  id: string;
  tool: string;
  title: string;
  diff: string;
  command: string;
}

export type ApprovalDecision = 'once' | 'session' | 'deny';

/** A message in a `copilotd/chat` conversation. */
export interface ChatMessage {
  role: 'user' | 'assistant' | 'system' | 'tool';
  content?: string;
  calls?: ToolCall[];
  callId?: string;
  name?: string;
  command?: ChatCommand;
  code?: CodeSnippet;
  diagnostics?: string[];
}

export type ChatCommand = 'explain' | 'fix' | 'tests' | 'doc';

export const CHAT_COMMANDS: readonly ChatCommand[] = ['explain', 'fix', 'tests', 'doc'];

/** Lines of a file. `line` is the number of the first one, from 0. */
export interface CodeSnippet {
  text: string;
  path: string;
  language: string;
  line: number;
}

/** The result of `copilotd/chat`. */
export interface ChatAnswer {
  content: string;
  /** The messages that the answer adds to the conversation; present only if tools were used. */
  messages?: ChatMessage[];
  finishReason: 'stop' | 'length';
  model: string;
}

export type EditCommand = 'edit' | 'fix' | 'doc';

/** The result of `copilotd/edit`. */
export interface EditAnswer {
  range: { start: Position; end: Position };
  newText: string;
  finishReason: 'stop' | 'length';
}

export interface Position {
  line: number;
  character: number;
}

/** `copilotd/longerCompletion`: the same request would now return a longer completion. */
export interface LongerCompletion {
  textDocument: { uri: string; version: number };
}

/** The result of the command `copilotd.lastCompletion`. */
export interface LastCompletion {
  status: string;
  reason?: string | null;
  explanation?: Record<string, unknown> | null;
}
