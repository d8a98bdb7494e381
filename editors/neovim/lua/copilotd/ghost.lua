--- Draws a suggestion behind the cursor. Marks keep their ids, so that drawing the same text again
--- changes nothing on the screen.
local M = {}

local suggestion = require('copilotd.suggestion')

local NAMESPACE = vim.api.nvim_create_namespace('copilotd')
local GROUP = 'CopilotdGhost'

local counts = {} ---@type table<integer, integer> marks in each buffer

---@param bufnr integer
---@param row integer from 0
---@param column integer bytes, from 0
---@param rest copilotd.Rest
function M.draw(bufnr, row, column, rest)
  local drawing = suggestion.drawing(rest)
  local marks = M.inline(bufnr, row, column, drawing)
  if #drawing.lines > 0 then
    table.insert(marks, { row, column, { virt_lines = M.below(bufnr, drawing.lines) } })
  end
  for id, mark in ipairs(marks) do
    local options = vim.tbl_extend('error', mark[3], { id = id, hl_mode = 'combine', undo_restore = false })
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, mark[1], mark[2], options)
  end
  for id = #marks + 1, counts[bufnr] or 0 do
    vim.api.nvim_buf_del_extmark(bufnr, NAMESPACE, id)
  end
  counts[bufnr] = #marks
end

---@param bufnr integer
function M.clear(bufnr)
  if counts[bufnr] and vim.api.nvim_buf_is_valid(bufnr) then
    vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
  end
  counts[bufnr] = nil
end

function M.inline(bufnr, row, column, drawing)
  local marks = {}
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1]
  for _, piece in ipairs(drawing.inline) do
    local at = column + piece.offset
    local text = M.without_tabs(piece.text, vim.fn.strdisplaywidth(line:sub(1, at)), bufnr)
    table.insert(marks, { row, at, { virt_text = { { text, GROUP } }, virt_text_pos = 'inline' } })
  end
  if drawing.hidden > 0 then
    local blank = { { (' '):rep(drawing.hidden), 'Normal' } }
    table.insert(marks, { row, column, { virt_text = blank, virt_text_pos = 'overlay' } })
  end
  return marks
end

function M.below(bufnr, lines)
  return vim.tbl_map(function(line)
    -- A virtual line without text would have no height.
    return { { line == '' and ' ' or M.without_tabs(line, 0, bufnr), GROUP } }
  end, lines)
end

--- Virtual text shows a tab as `^I`.
---@param width integer how far to the right the text begins
function M.without_tabs(text, width, bufnr)
  local stop = vim.bo[bufnr].tabstop
  while text:find('\t', 1, true) do
    local before, after = text:match('^([^\t]*)\t(.*)$')
    local blanks = stop - (width + vim.fn.strdisplaywidth(before)) % stop
    text = before .. (' '):rep(blanks) .. after
  end
  return text
end

return M
