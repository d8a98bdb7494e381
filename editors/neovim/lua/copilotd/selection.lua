--- The lines that a question or an edit is about.
local M = {}

---@class copilotd.Selection
---@field bufnr integer
---@field first integer the first line, from 0
---@field last integer the line after the last one, from 0

--- The lines of a command's range, or all lines of the buffer.
---@param call { range: integer, line1: integer, line2: integer }
---@return copilotd.Selection
function M.from_call(call)
  local bufnr = vim.api.nvim_get_current_buf()
  if call.range == 0 then
    return { bufnr = bufnr, first = 0, last = vim.api.nvim_buf_line_count(bufnr) }
  end
  return { bufnr = bufnr, first = call.line1 - 1, last = call.line2 }
end

--- The `code` of a chat message.
---@param selection copilotd.Selection
function M.to_code(selection)
  local lines = vim.api.nvim_buf_get_lines(selection.bufnr, selection.first, selection.last, false)
  return {
    path = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(selection.bufnr), ':.'),
    language = vim.bo[selection.bufnr].filetype,
    line = selection.first,
    text = table.concat(lines, '\n') .. '\n',
  }
end

--- The diagnostics in the selection, one sentence each.
---@param selection copilotd.Selection
---@return string[]
function M.list_diagnostics(selection)
  local sentences = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(selection.bufnr)) do
    if diagnostic.lnum >= selection.first and diagnostic.lnum < selection.last then
      table.insert(sentences, ('Line %d: %s'):format(diagnostic.lnum + 1, diagnostic.message))
    end
  end
  return sentences
end

return M
