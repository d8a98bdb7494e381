import * as vscode from 'vscode';
import type { Client } from './client';
import { writeCommitMessage } from './commit';
import { explained, type Last } from './explanation';
import type { Parts } from './extension';
import { redirect } from './installation';
import type { Report } from './report';
import { settingsFor, toggled, toggleTools } from './settings';
import type { Status } from './status';

/** Every command by its name. */
export function commands(parts: Parts): Record<string, (...args: never[]) => unknown> {
  const { client, status, ghostText, chat, edits, proposals, report } = parts;
  return {
    'copilotd.menu': () => menu(status),
    'copilotd.restart': () => client.restart(),
    'copilotd.showLog': () => client.log.show(),
    'copilotd.pause': () => status.pause(10),
    'copilotd.pauseUntilResumed': () => status.pause(),
    'copilotd.resume': () => status.resume(),
    'copilotd.toggleLanguage': toggleLanguage,
    'copilotd.toggleWorkspace': toggleWorkspace,
    'copilotd.explain': () => explain(client, report),
    'copilotd.openApi': () => openApi(client),
    'copilotd.redirectCopilot': () => redirect('enable'),
    'copilotd.releaseCopilot': () => redirect('disable'),
    'copilotd.acceptWord': () => ghostText.acceptPart('editor.action.inlineSuggest.acceptNextWord'),
    'copilotd.acceptLine': () => ghostText.acceptPart('editor.action.inlineSuggest.acceptNextLine'),
    'copilotd.dismiss': () => ghostText.dismiss(),
    'copilotd.openChat': () => vscode.commands.executeCommand('copilotd.chat.focus'),
    'copilotd.newChat': () => chat.begin(),
    'copilotd.chatHistory': () => chat.choose(),
    'copilotd.toggleTools': toggleTools,
    'copilotd.explainCode': () => chat.command('/explain'),
    'copilotd.generateTests': () => chat.command('/tests'),
    'copilotd.edit': (instruction?: string) => edits.edit(instruction),
    'copilotd.fix': (range?: vscode.Range) => edits.command('fix', range),
    'copilotd.document': () => edits.command('doc'),
    'copilotd.acceptEdit': () => proposals.accept(),
    'copilotd.rejectEdit': () => proposals.reject(),
    'copilotd.commitMessage': (control?: vscode.SourceControl) =>
      writeCommitMessage(client, control),
  };
}

async function menu(status: Status): Promise<void> {
  const pauses = [
    { label: '$(debug-pause) Pause for 10 minutes', command: 'copilotd.pause' },
    { label: '$(debug-pause) Pause until resumed', command: 'copilotd.pauseUntilResumed' },
  ];
  const chosen = await vscode.window.showQuickPick([
    ...(status.paused ? [{ label: '$(play) Resume', command: 'copilotd.resume' }] : pauses),
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
  const languages = toggled(settingsFor().disabledLanguages, language);
  await vscode.workspace
    .getConfiguration('copilotd')
    .update('disabledLanguages', languages, vscode.ConfigurationTarget.Global);
}

async function toggleWorkspace(): Promise<void> {
  await vscode.workspace
    .getConfiguration('copilotd')
    .update('enabled', !settingsFor().enabled, vscode.ConfigurationTarget.Workspace);
}

async function explain(client: Client, report: Report): Promise<void> {
  const last = await client.execute<Last | null>('copilotd.lastCompletion');
  await report.show('The last suggestion.md', explained(last));
}

async function openApi(client: Client): Promise<void> {
  const { url } = await client.execute<{ url: string }>('copilotd.status');
  await vscode.env.openExternal(vscode.Uri.parse(`${url}/docs`));
}
