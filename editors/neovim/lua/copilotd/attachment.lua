--- What begins when the server is attached to a buffer.
local M = {}

local client = require('copilotd.client')
local keymaps = require('copilotd.keymaps')
local menu = require('copilotd.menu')
local revival = require('copilotd.revival')
local session = require('copilotd.session')

local group ---@type integer?

---@param server vim.lsp.Client
---@param bufnr integer
function M.attached(server, bufnr)
  M.watch()
  M.leave_to_us(server)
  revival.attached(server, bufnr)
  keymaps.map(bufnr)
  -- The server may come after the user has begun to type.
  session.refresh(bufnr)
end

--- Neovim 0.12 can draw inline completions itself; they would be there twice.
function M.leave_to_us(server)
  if vim.lsp.inline_completion then
    vim.lsp.inline_completion.enable(false, { client_id = server.id })
  end
end

function M.watch()
  if group then
    return
  end
  group = vim.api.nvim_create_augroup('copilotd', {})
  M.on({ 'TextChangedI', 'TextChangedP', 'CursorMovedI', 'InsertEnter' }, M.follow)
  M.on({ 'InsertLeave', 'BufLeave', 'BufUnload' }, session.forget)
  M.on({ 'LspDetach' }, M.detached)
  M.on({ 'BufEnter' }, M.focus)
  menu.watch(group, function()
    session.refresh(vim.api.nvim_get_current_buf())
  end)
end

function M.on(events, action)
  vim.api.nvim_create_autocmd(events, {
    group = group,
    callback = function(event)
      action(event.buf, event.data)
    end,
  })
end

--- Other servers come and go without a word to us.
function M.detached(bufnr, data)
  local server = vim.lsp.get_client_by_id(data.client_id)
  if not server or server.name == 'copilotd' then
    session.forget(bufnr)
  end
end

function M.follow(bufnr)
  if client.of(bufnr) then
    session.follow(bufnr)
  end
end

--- The server prepares the first suggestion of the file that the user turns to.
function M.focus(bufnr)
  local server = client.of(bufnr)
  if server then
    local document = { uri = vim.uri_from_bufnr(bufnr) }
    server:notify('textDocument/didFocus', { textDocument = document })
  end
end

return M
