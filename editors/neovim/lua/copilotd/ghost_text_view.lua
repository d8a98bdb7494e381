--- Draws ghost text with extmarks. Extmarks keep their ids, so drawing the same text again does not
--- flicker.
local M = {}

local suggestion = require('copilotd.suggestion')

local NAMESPACE = vim.api.nvim_create_namespace('copilotd')
local HIGHLIGHT = 'CopilotdGhost'

local counts = {} ---@type table<integer, integer> extmarks in each buffer

---@param bufnr integer
---@param row integer from 0
---@param column integer bytes, from 0
---@param remaining copilotd.Remaining
function M.draw(bufnr, row, column, remaining)
  local layout = suggestion.create_layout(remaining)
  local marks = M.create_inline_marks(bufnr, row, column, layout)
  if #layout.lines > 0 then
    table.insert(marks, { row, column, { virt_lines = M.create_virtual_lines(bufnr, layout.lines) } })
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

---@param layout copilotd.Layout
function M.create_inline_marks(bufnr, row, column, layout)
  local marks = {}
  local line = vim.api.nvim_buf_get_lines(bufnr, row, row + 1, false)[1]
  for _, piece in ipairs(layout.inline) do
    local at = column + piece.offset
    local text = M.expand_tabs(piece.text, vim.fn.strdisplaywidth(line:sub(1, at)), bufnr)
    table.insert(marks, { row, at, { virt_text = { { text, HIGHLIGHT } }, virt_text_pos = 'inline' } })
  end
  if layout.hidden > 0 then
    local blank = { { (' '):rep(layout.hidden), 'Normal' } }
    table.insert(marks, { row, column, { virt_text = blank, virt_text_pos = 'overlay' } })
  end
  return marks
end

function M.create_virtual_lines(bufnr, lines)
  return vim.tbl_map(function(line)
    -- A virtual line without text would have no height.
    return { { line == '' and ' ' or M.expand_tabs(line, 0, bufnr), HIGHLIGHT } }
  end, lines)
end

--- Replaces tabs by spaces, because virtual text shows a tab as `^I`.
---@param text string
---@param width integer the display column where the text begins
---@param bufnr integer
---@return string
function M.expand_tabs(text, width, bufnr)
  local tabstop = vim.bo[bufnr].tabstop
  while text:find('\t', 1, true) do
    local before, after = text:match('^([^\t]*)\t(.*)$')
    local count = tabstop - (width + vim.fn.strdisplaywidth(before)) % tabstop
    text = before .. (' '):rep(count) .. after
  end
  return text
end

return M
