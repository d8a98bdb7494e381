import type { ToolCall, ToolResult } from '../protocol';

/**
 * A tool call as the chat page draws it. `state` is `kept` in a stored conversation, which has the
 * call but not its result.
 */
export interface ToolCallItem {
  id: string;
  title: string;
  state: 'working' | 'done' | 'failed' | 'kept';
  text: string;
  canUndo: boolean;
}

/** The item of a call whose result is not known. */
export function createItemFromCall(call: ToolCall, state: ToolCallItem['state']): ToolCallItem {
  const title = `${call.name} ${getFirstArgument(call.arguments)}`.trim();
  return { id: call.id, title, state, text: '', canUndo: false };
}

export function createItemFromResult({ isFailure, ...result }: ToolResult): ToolCallItem {
  return { ...result, state: isFailure ? 'failed' : 'done' };
}

// The first argument usually names the file or text that the call is about.
function getFirstArgument(json: string): string {
  try {
    const [value] = Object.values(JSON.parse(json) as Record<string, unknown>);
    return typeof value === 'string' ? (value.split('\n')[0] ?? '') : '';
  } catch {
    return '';
  }
}
