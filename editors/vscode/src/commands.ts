import * as vscode from 'vscode';
import type { Client } from './client';
import { writeCommitMessage } from './commitMessage';
import { readSettings, toggleTools } from './configuration';
import { renderExplanation } from './explanation';
import { redirectCopilot } from './installation';
import type { Parts } from './parts';
import type { LastCompletion } from './protocol';
import { toggleItem } from './settings';
import type { StatusBar } from './statusBar';
import type { VirtualDocument } from './virtualDocument';

/** The handler of every command, by the command's name. */
export function createCommands(parts: Parts): Record<string, (...args: never[]) => unknown> {
  const { client, statusBar, ghostText, chat, edits, proposals, explanation } = parts;
  return {
    'copilotd.menu': () => showMenu(statusBar),
    'copilotd.restart': () => client.restart(),
    'copilotd.showLog': () => client.log.show(),
    'copilotd.pause': () => statusBar.pause(10),
    'copilotd.pauseUntilResumed': () => statusBar.pause(),
    'copilotd.resume': () => statusBar.resume(),
    'copilotd.toggleLanguage': toggleLanguage,
    'copilotd.toggleWorkspace': toggleWorkspace,
    'copilotd.explain': () => explainLastCompletion(client, explanation),
    'copilotd.openApi': () => openApi(client),
    'copilotd.redirectCopilot': () => redirectCopilot('enable'),
    'copilotd.releaseCopilot': () => redirectCopilot('disable'),
    'copilotd.acceptWord': () => ghostText.acceptPart('editor.action.inlineSuggest.acceptNextWord'),
    'copilotd.acceptLine': () => ghostText.acceptPart('editor.action.inlineSuggest.acceptNextLine'),
    'copilotd.dismiss': () => ghostText.dismiss(),
    'copilotd.openChat': () => vscode.commands.executeCommand('copilotd.chat.focus'),
    'copilotd.newChat': () => chat.startConversation(),
    'copilotd.chatHistory': () => chat.chooseConversation(),
    'copilotd.toggleTools': toggleTools,
    'copilotd.explainCode': () => chat.askCommand('/explain'),
    'copilotd.generateTests': () => chat.askCommand('/tests'),
    'copilotd.edit': (instruction?: string) => edits.edit(instruction),
    'copilotd.fix': (range?: vscode.Range) => edits.run('fix', range),
    'copilotd.document': () => edits.run('doc'),
    'copilotd.acceptEdit': () => proposals.accept(),
    'copilotd.rejectEdit': () => proposals.reject(),
    'copilotd.commitMessage': (control?: vscode.SourceControl) =>
      writeCommitMessage(client, control),
  };
}

async function showMenu(statusBar: StatusBar): Promise<void> {
  const pauses = [
    { label: '$(debug-pause) Pause for 10 minutes', command: 'copilotd.pause' },
    { label: '$(debug-pause) Pause until resumed', command: 'copilotd.pauseUntilResumed' },
  ];
  const chosen = await vscode.window.showQuickPick([
    ...(statusBar.isPaused ? [{ label: '$(play) Resume', command: 'copilotd.resume' }] : pauses),
    { label: '$(comment-discussion) Open the chat', command: 'copilotd.openChat' },
    { label: '$(question) Explain the last suggestion', command: 'copilotd.explain' },
    { label: '$(output) Show the log', command: 'copilotd.showLog' },
    { label: '$(globe) Open the API page', command: 'copilotd.openApi' },
    { label: '$(refresh) Restart', command: 'copilotd.restart' },
  ]);
  if (chosen) await vscode.commands.executeCommand(chosen.command);
}

async function toggleLanguage(): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  if (!language) return;
  const languages = toggleItem(readSettings().disabledLanguages, language);
  await vscode.workspace
    .getConfiguration('copilotd')
    .update('disabledLanguages', languages, vscode.ConfigurationTarget.Global);
}

async function toggleWorkspace(): Promise<void> {
  await vscode.workspace
    .getConfiguration('copilotd')
    .update('enabled', !readSettings().enabled, vscode.ConfigurationTarget.Workspace);
}

async function explainLastCompletion(client: Client, document: VirtualDocument): Promise<void> {
  const last = await client.executeCommand<LastCompletion | null>('copilotd.lastCompletion');
  await document.show('The last suggestion.md', renderExplanation(last));
}

async function openApi(client: Client): Promise<void> {
  const { url } = await client.executeCommand<{ url: string }>('copilotd.status');
  await vscode.env.openExternal(vscode.Uri.parse(`${url}/docs`));
}
