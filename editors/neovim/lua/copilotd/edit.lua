--- Rewrites lines by an instruction: requests the edit, shows its diff, and applies it if the user
--- accepts it.
local M = {}

local client = require('copilotd.client')
local preview = require('copilotd.edit_preview')
local selection = require('copilotd.selection')
local stream = require('copilotd.stream')

local METHOD = 'copilotd/edit'

--- Starts an edit. If `edit` comes without an instruction, the user is asked for it.
---@param selected copilotd.Selection
---@param command 'edit'|'fix'|'doc'
---@param instruction string
function M.start(selected, command, instruction)
  local server = client.get(selected.bufnr)
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
    range = M.to_lsp_range(selected),
    command = command,
    instruction = instruction,
    diagnostics = selection.list_diagnostics(selected),
  }
  local new_text, cancel = '', nil
  preview.begin(selected, function()
    cancel()
  end)
  cancel = stream.request(server, METHOD, params, function(delta)
    new_text = new_text .. delta
    preview.show_progress(bufnr, new_text)
  end, function(error, result)
    preview.close(bufnr)
    if error then
      vim.notify('copilotd: ' .. error.message, vim.log.levels.ERROR)
    else
      M.show_result(server, bufnr, result)
    end
  end)
end

--- Shows the diff of a finished edit.
---@param server vim.lsp.Client
function M.show_result(server, bufnr, result)
  if result.textDocument.version ~= vim.lsp.util.buf_versions[bufnr] then
    return vim.notify('copilotd: the file has changed since the request; try again', vim.log.levels.WARN)
  end
  local range = { first = result.range.start.line, last = result.range['end'].line, bufnr = bufnr }
  local lines = vim.split(result.newText, '\n', { plain = true })
  if lines[#lines] == '' then
    table.remove(lines)
  end
  local has_changes = preview.show_diff(range, lines, function()
    local edit = { range = result.range, newText = result.newText }
    vim.lsp.util.apply_text_edits({ edit }, bufnr, server.offset_encoding)
  end)
  if not has_changes then
    vim.notify('copilotd: the edit changes nothing')
  end
end

function M.to_lsp_range(selected)
  return {
    start = { line = selected.first, character = 0 },
    ['end'] = { line = selected.last, character = 0 },
  }
end

return M
