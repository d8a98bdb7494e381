--- The code that a question or an edit is about.
local M = {}

---@class copilotd.Selection
---@field bufnr integer
---@field first integer its first line, from 0
---@field last integer the line behind it

--- The lines that a command was given, or all of them.
---@param call { range: integer, line1: integer, line2: integer }
---@return copilotd.Selection
function M.of(call)
  local bufnr = vim.api.nvim_get_current_buf()
  if call.range == 0 then
    return { bufnr = bufnr, first = 0, last = vim.api.nvim_buf_line_count(bufnr) }
  end
  return { bufnr = bufnr, first = call.line1 - 1, last = call.line2 }
end

--- The selection as a message carries it.
---@param selection copilotd.Selection
function M.code(selection)
  local lines = vim.api.nvim_buf_get_lines(selection.bufnr, selection.first, selection.last, false)
  return {
    path = M.path(selection),
    language = vim.bo[selection.bufnr].filetype,
    line = selection.first,
    text = table.concat(lines, '\n') .. '\n',
  }
end

--- What is wrong in it, one sentence each.
---@param selection copilotd.Selection
---@return string[]
function M.diagnostics(selection)
  local sentences = {}
  for _, diagnostic in ipairs(vim.diagnostic.get(selection.bufnr)) do
    if diagnostic.lnum >= selection.first and diagnostic.lnum < selection.last then
      table.insert(sentences, ('Line %d: %s'):format(diagnostic.lnum + 1, diagnostic.message))
    end
  end
  return sentences
end

--- Where it is, for people.
---@param selection copilotd.Selection
---@return string
function M.title(selection)
  return ('%s:%d-%d'):format(M.path(selection), selection.first + 1, selection.last)
end

function M.path(selection)
  return vim.fn.fnamemodify(vim.api.nvim_buf_get_name(selection.bufnr), ':.')
end

return M
