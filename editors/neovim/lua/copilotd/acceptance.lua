--- Accepts ghost text: inserts it into the buffer and reports it to the server.
local M = {}

local client = require('copilotd.client')
local ghost_text = require('copilotd.ghost_text')
local suggestion = require('copilotd.suggestion')

--- Accepts all of the ghost text.
---@return boolean accepted false if there is no ghost text
function M.accept_all()
  return M.accept_part(function(text)
    return text
  end)
end

---@return boolean accepted
function M.accept_word()
  return M.accept_part(suggestion.get_first_word)
end

---@return boolean accepted
function M.accept_line()
  return M.accept_part(suggestion.get_first_line)
end

--- Inserts the part of the ghost text that `choose` returns. The remaining text stays on the screen,
--- as if the user had typed the accepted part.
---@param choose fun(text: string): string
---@return boolean accepted
function M.accept_part(choose)
  local bufnr = vim.api.nvim_get_current_buf()
  local remaining, typed, offered = ghost_text.get_remaining(bufnr)
  if not remaining or not offered then
    return false
  end
  local part = choose(remaining.text)
  M.insert(bufnr, part, suggestion.count_replaced_bytes(remaining, part))
  M.report_acceptance(bufnr, offered, typed .. part)
  ghost_text.update(bufnr)
  return true
end

--- Inserts `text` at the cursor and replaces the next `replaced` bytes, as one undo step.
---@param bufnr integer
---@param text string
---@param replaced integer
function M.insert(bufnr, text, replaced)
  -- Setting this option, even to its current value, ends an undo step.
  vim.cmd('let &undolevels = &undolevels')
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(bufnr, row - 1, column, row - 1, column + replaced, lines)
  local last = #lines == 1 and column + #text or #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines - 1, last })
end

--- Tells the server how much of the item's text was accepted.
---@param bufnr integer
---@param offered copilotd.OfferedItem
---@param accepted string
function M.report_acceptance(bufnr, offered, accepted)
  local server = client.get(bufnr)
  if not server then
    return
  end
  local item = offered.item
  if accepted ~= item.insertText then
    local length = vim.str_utfindex(accepted, 'utf-16')
    server:notify('textDocument/didPartiallyAcceptCompletion', { item = item, acceptedLength = length })
  elseif item.command then
    client.execute_command(server, item.command.command, item.command.arguments)
  end
end

return M
