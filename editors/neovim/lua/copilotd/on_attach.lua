--- Sets up a buffer when the server is attached to it.
local M = {}

local client = require('copilotd.client')
local completion_menu = require('copilotd.completion_menu')
local enabled = require('copilotd.enabled')
local ghost_text = require('copilotd.ghost_text')
local keymaps = require('copilotd.keymaps')
local reconnect = require('copilotd.reconnect')

local group ---@type integer?

---@param server vim.lsp.Client
---@param bufnr integer
function M.attach(server, bufnr)
  M.watch_editor()
  M.disable_builtin_ghost_text(server)
  reconnect.remember(server, bufnr)
  keymaps.map_all(bufnr)
  -- The user may have begun to type before the server was attached.
  ghost_text.refresh(bufnr)
end

--- Neovim 0.12 can draw inline completions itself, which would draw them twice.
function M.disable_builtin_ghost_text(server)
  if vim.lsp.inline_completion then
    vim.lsp.inline_completion.enable(false, { client_id = server.id })
  end
end

--- Watches for everything that changes ghost text. Does so once, for all buffers.
function M.watch_editor()
  if group then
    return
  end
  group = vim.api.nvim_create_augroup('copilotd', {})
  M.on({ 'TextChangedI', 'TextChangedP', 'CursorMovedI', 'InsertEnter' }, M.update_ghost_text)
  M.on({ 'InsertLeave', 'BufLeave', 'BufUnload' }, ghost_text.forget)
  M.on({ 'LspDetach' }, M.handle_detach)
  M.on({ 'BufEnter' }, M.notify_focus)
  completion_menu.watch(group, M.refresh_ghost_text)
  enabled.subscribe(M.refresh_ghost_text)
end

---@param events string[]
---@param action fun(bufnr: integer, data: any)
function M.on(events, action)
  vim.api.nvim_create_autocmd(events, {
    group = group,
    callback = function(event)
      action(event.buf, event.data)
    end,
  })
end

--- Clears the ghost text unless the server that was detached is another one.
function M.handle_detach(bufnr, data)
  local server = vim.lsp.get_client_by_id(data.client_id)
  if not server or server.name == client.NAME then
    ghost_text.forget(bufnr)
  end
end

function M.update_ghost_text(bufnr)
  if client.get(bufnr) then
    ghost_text.update(bufnr)
  end
end

function M.refresh_ghost_text()
  ghost_text.refresh(vim.api.nvim_get_current_buf())
end

--- Tells the server which file the user looks at, so that it can prepare the first suggestion.
function M.notify_focus(bufnr)
  local server = client.get(bufnr)
  if server then
    local document = { uri = vim.uri_from_bufnr(bufnr) }
    server:notify('textDocument/didFocus', { textDocument = document })
  end
end

return M
