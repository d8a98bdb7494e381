--- Writes ghost text, or its beginning, into the buffer.
local M = {}

local client = require('copilotd.client')
local session = require('copilotd.session')
local suggestion = require('copilotd.suggestion')

--- Each returns whether there was ghost text to take.
function M.all()
  return M.take(function(text)
    return text
  end)
end

function M.word()
  return M.take(suggestion.word)
end

function M.line()
  return M.take(suggestion.line)
end

--- Types the part of the ghost text that `choose` picks; what is left stays on the screen, as if the
--- user had typed it.
---@param choose fun(text: string): string
---@return boolean
function M.take(choose)
  local bufnr = vim.api.nvim_get_current_buf()
  local rest, typed, offered = session.rest(bufnr)
  if not rest or not offered then
    return false
  end
  local part = choose(rest.text)
  M.write(bufnr, part, suggestion.replaced(rest, part))
  M.report(bufnr, offered, typed .. part)
  session.follow(bufnr)
  return true
end

--- Puts `text` behind the cursor, in the place of so many bytes, as one step to undo.
function M.write(bufnr, text, replaced)
  -- Setting this option, even to its own value, ends an undo step.
  vim.cmd('let &undolevels = &undolevels')
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local lines = vim.split(text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(bufnr, row - 1, column, row - 1, column + replaced, lines)
  local last = #lines == 1 and column + #text or #lines[#lines]
  vim.api.nvim_win_set_cursor(0, { row + #lines - 1, last })
end

--- Tells the server how much of the item's text was taken.
function M.report(bufnr, offered, taken)
  local server = client.of(bufnr)
  if not server then
    return
  end
  local item = offered.item
  if taken ~= item.insertText then
    local length = vim.str_utfindex(taken, 'utf-16')
    server:notify('textDocument/didPartiallyAcceptCompletion', { item = item, acceptedLength = length })
  elseif item.command then
    client.execute(server, item.command.command, item.command.arguments)
  end
end

return M
