// Asks for ghost text as GitHub Copilot's extension does, with the library that is its core: the
// host's parts are made up, the requests go to the address that is given. Prints the items as JSON.
const path = require('node:path');
const library = require('@vscode/chat-lib');

const inner = path.join(path.dirname(require.resolve('@vscode/chat-lib/package.json')), 'dist/src/_internal');
const part = (name) => require(path.join(inner, name));
const { CopilotToken, createTestExtendedTokenInfo } = part('platform/authentication/common/copilotToken');
const { MutableObservableWorkspace } = part('platform/inlineEdits/common/observableWorkspace');
const { CopilotTextDocument } = part('extension/completions-core/vscode-node/lib/src/textDocument');
const { Response: Answer } = part('platform/networking/common/fetcherService');
const { Emitter, Event } = part('util/vs/base/common/event');

const [, , url, text, line, character] = process.argv;
const token = new CopilotToken(createTestExtendedTokenInfo({ token: 'of-the-host' }));
const never = () => new Emitter().event;
const refused = () => {
  throw new Error('not in this test');
};

const authService = {
  isMinimalMode: true,
  copilotToken: token,
  onDidAuthenticationChange: Event.None,
  onDidAccessTokenChange: Event.None,
  onDidAdoAuthenticationChange: Event.None,
  onDidCopilotTokenChange: Event.None,
  getCopilotToken: async () => token,
  getGitHubSession: refused,
  getAdoAccessTokenBase64: refused,
  resetCopilotToken() {},
  dispose() {},
};

const fetcher = {
  getUserAgentLibrary: () => 'test',
  makeAbortController: () => new AbortController(),
  disconnectAll: async () => undefined,
  isAbortError: (error) => error?.name === 'AbortError',
  isInternetDisconnectedError: () => false,
  isFetcherError: () => false,
  isNetworkProcessCrashedError: () => false,
  getUserMessageForFetcherError: (error) => error.message,
  fetchWithPagination: refused,
  async fetch(address, { method = 'GET', headers, body, json, signal }) {
    if (!address.startsWith(url)) throw new Error(`${address} is elsewhere`);
    const type = json ? { 'content-type': 'application/json' } : {};
    const sent = body ?? (json && JSON.stringify(json));
    const made = { method, headers: { ...headers, ...type }, body: sent, signal };
    const got = await fetch(address, made);
    return new Answer(got.status, got.statusText, got.headers, got.body, 'test', () => {}, '', '');
  },
};

const documentManager = {
  onDidChangeTextDocument: never(),
  onDidOpenTextDocument: never(),
  onDidCloseTextDocument: never(),
  onDidFocusTextDocument: never(),
  onDidChangeWorkspaceFolders: never(),
  getTextDocumentsUnsafe: () => [],
  findNotebook() {},
  getWorkspaceFolders: () => [],
  dispose() {},
};

const provider = library.createInlineCompletionsProvider({
  fetcher,
  authService,
  documentManager,
  telemetrySender: { sendTelemetryEvent() {} },
  logTarget: { logIt() {} },
  isRunningInTest: false,
  contextProviderMatch: async () => 0,
  statusHandler: { didChange() {} },
  workspace: new MutableObservableWorkspace(),
  urlOpener: { open: refused },
  editorInfo: { name: 'test', version: '1' },
  editorPluginInfo: { name: 'test', version: '1' },
  relatedPluginInfo: [],
  editorSession: { sessionId: 'session', machineId: 'machine' },
  notificationSender: { showWarningMessage: refused },
  endpointProvider: {
    onDidModelsRefresh: Event.None,
    getAllCompletionModels: async () => [],
    getAllChatEndpoints: async () => [],
  },
  configOverrides: new Map([
    ['advanced.debug.overrideProxyUrl', url],
    ['advanced.debug.testOverrideProxyUrl', url],
  ]),
});

(async () => {
  const document = CopilotTextDocument.create('file:///app/sums.py', 'python', 1, text, 'python');
  const place = { line: Number(line), character: Number(character) };
  const items = (await provider.getInlineCompletions(document, place)) ?? [];
  console.log(JSON.stringify(items.map(({ insertText, range }) => ({ insertText, range }))));
  process.exit(0);
})();
