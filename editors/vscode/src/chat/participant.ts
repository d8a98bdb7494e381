import * as vscode from 'vscode';
import type { Client } from '../client';
import { getSelectedCode, getSelectedOrVisibleCode } from '../codeSubject';
import { areToolsEnabled } from '../configuration';
import type { EditRequests } from '../edit/editRequests';
import { CHAT_COMMANDS, type ChatAnswer, type ChatMessage, type PartialResult } from '../protocol';

/** Create `@copilotd` in VS Code's own chat. */
export function createParticipant(
  client: Client,
  edits: EditRequests,
  icon: vscode.Uri,
): vscode.ChatParticipant {
  const participant = vscode.chat.createChatParticipant(
    'copilotd.chat',
    async (request, context, stream, token) => {
      if (request.command === 'edit') {
        await edits.edit(request.prompt);
        return stream.markdown('The edit is shown in a diff. Accept or reject it there.');
      }
      const messages = [...context.history.flatMap(toChatMessages), createQuestion(request)];
      const onDelta = (delta: string) => stream.markdown(delta);
      const onToolEvent = ({ result }: PartialResult) => result && stream.progress(result.title);
      const params = { messages, tools: areToolsEnabled() };
      await client.stream<ChatAnswer>('copilotd/chat', params, onDelta, token, onToolEvent);
    },
  );
  participant.iconPath = icon;
  return participant;
}

function createQuestion({ command, prompt }: { command?: string; prompt: string }): ChatMessage {
  const message = createUserMessage(command, prompt);
  const subject = message.command ? getSelectedOrVisibleCode() : getSelectedCode();
  return { ...message, ...subject };
}

function createUserMessage(command: string | undefined, content: string): ChatMessage {
  const known = CHAT_COMMANDS.find((one) => one === command);
  return { role: 'user', content, ...(known && { command: known }) };
}

function toChatMessages(turn: vscode.ChatRequestTurn | vscode.ChatResponseTurn): ChatMessage[] {
  if (turn instanceof vscode.ChatRequestTurn) return [createUserMessage(turn.command, turn.prompt)];
  const content = turn.response
    .map((part) => (part instanceof vscode.ChatResponseMarkdownPart ? part.value.value : ''))
    .join('');
  return [{ role: 'assistant', content }];
}
