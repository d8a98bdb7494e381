--- Rewrites lines by an instruction, once the user has seen the difference and agrees.
local M = {}

local client = require('copilotd.client')
local preview = require('copilotd.preview')
local selection = require('copilotd.selection')
local stream = require('copilotd.stream')

local METHOD = 'copilotd/edit'

---@param selected copilotd.Selection
---@param command 'edit'|'fix'|'doc'
---@param instruction string asked for if it is empty and needed
function M.start(selected, command, instruction)
  local server = client.of(selected.bufnr)
  if not server then
    return vim.notify('copilotd: the server is not attached to this file', vim.log.levels.ERROR)
  elseif command == 'edit' and instruction == '' then
    return vim.ui.input({ prompt = 'Edit: ' }, function(answer)
      if answer and answer ~= '' then
        M.request(server, selected, command, answer)
      end
    end)
  end
  M.request(server, selected, command, instruction)
end

---@param server vim.lsp.Client
function M.request(server, selected, command, instruction)
  local bufnr = selected.bufnr
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(bufnr),
    range = M.range(selected),
    command = command,
    instruction = instruction,
    diagnostics = selection.diagnostics(selected),
  }
  local written, cancel = '', nil
  preview.begin(selected, function()
    cancel()
  end)
  cancel = stream.request(server, METHOD, params, function(delta)
    written = written .. delta
    preview.write(bufnr, written)
  end, function(error, result)
    preview.close(bufnr)
    if error then
      vim.notify('copilotd: ' .. error.message, vim.log.levels.ERROR)
    else
      M.offer(server, bufnr, result)
    end
  end)
end

--- Shows what would change.
---@param server vim.lsp.Client
function M.offer(server, bufnr, result)
  if result.textDocument.version ~= vim.lsp.util.buf_versions[bufnr] then
    return vim.notify('copilotd: the file has changed since; ask again', vim.log.levels.WARN)
  end
  local range = { first = result.range.start.line, last = result.range['end'].line, bufnr = bufnr }
  local lines = vim.split(result.newText, '\n', { plain = true })
  if lines[#lines] == '' then
    table.remove(lines)
  end
  local changes = preview.offer(range, lines, function()
    local edit = { range = result.range, newText = result.newText }
    vim.lsp.util.apply_text_edits({ edit }, bufnr, server.offset_encoding)
  end)
  if not changes then
    vim.notify('copilotd: nothing would change')
  end
end

function M.range(selected)
  return {
    start = { line = selected.first, character = 0 },
    ['end'] = { line = selected.last, character = 0 },
  }
end

return M
