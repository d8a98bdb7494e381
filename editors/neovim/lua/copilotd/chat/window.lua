--- The buffer that shows a conversation, and its window.
local M = {}

local config = require('copilotd.config')
local transcript = require('copilotd.chat.transcript')

local NAME = 'copilotd://chat'
local HINT = '<CR> or :w sends, <C-c> stops, gp puts a code block into the file, q closes'

local buffer ---@type integer?

--- Shows the chat and goes there.
---@param keys table<string, fun()> what the keys of the buffer do
function M.open(keys)
  if not (buffer and vim.api.nvim_buf_is_valid(buffer)) then
    buffer = M.create(keys)
  end
  local window = vim.fn.bufwinid(buffer)
  if window ~= -1 then
    return vim.api.nvim_set_current_win(window)
  end
  vim.cmd(('botright vertical %dsplit'):format(math.floor(vim.o.columns * config.current.chat.width)))
  vim.api.nvim_win_set_buf(0, buffer)
  local here = vim.wo[0][0]
  here.wrap, here.linebreak, here.number, here.relativenumber = true, true, false, false
  M.to_end()
end

--- Takes the chat off the screen; where it has the only window, the file before it comes back.
function M.close()
  if #vim.api.nvim_tabpage_list_wins(0) > 1 then
    return vim.cmd.close()
  end
  local before = vim.fn.bufnr('#')
  if before > 0 and vim.bo[before].buflisted then
    vim.api.nvim_win_set_buf(0, before)
  else
    vim.cmd.enew()
  end
end

---@return string[]
function M.lines()
  return vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
end

---@return integer?
function M.buffer()
  return buffer
end

--- Begins a turn under `heading`, below everything else.
---@param heading string
---@param text? string
function M.turn(heading, text)
  local lines = M.lines()
  while #lines > 0 and lines[#lines] == '' do
    table.remove(lines)
  end
  local from = #lines
  local added = { heading, '' }
  vim.list_extend(added, vim.split(text or '', '\n', { plain = true }))
  if from > 0 then
    table.insert(added, 1, '')
  end
  vim.api.nvim_buf_set_lines(buffer, from, -1, false, added)
  M.settle()
end

--- Takes an unsent question away, so that another can be put in its place.
function M.drop_draft()
  local lines = M.lines()
  for row = #lines, 1, -1 do
    if lines[row] == transcript.QUESTION then
      return vim.api.nvim_buf_set_lines(buffer, row - 1, -1, false, {})
    end
  end
end

--- Writes a piece of an answer.
---@param text string
function M.append(text)
  local row = vim.api.nvim_buf_line_count(buffer) - 1
  local column = #vim.api.nvim_buf_get_lines(buffer, row, -1, false)[1]
  vim.api.nvim_buf_set_text(buffer, row, column, row, column, vim.split(text, '\n', { plain = true }))
  M.settle()
end

--- Nothing in the buffer is ever lost by closing it, and the end stays in sight.
function M.settle()
  vim.bo[buffer].modified = false
  M.to_end()
end

function M.to_end()
  local window = vim.fn.bufwinid(buffer)
  if window ~= -1 then
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

function M.create(keys)
  buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, NAME)
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden = 'acwrite', 'hide'
  vim.bo[buffer].filetype = 'markdown'
  vim.api.nvim_create_autocmd('BufWriteCmd', { buffer = buffer, callback = keys['<CR>'] })
  for key, action in pairs(keys) do
    vim.keymap.set('n', key, action, { buffer = buffer, desc = 'copilotd chat' })
  end
  M.turn(transcript.QUESTION)
  M.hint()
  return buffer
end

function M.hint()
  local namespace = vim.api.nvim_create_namespace('copilotd.chat')
  local text = { { HINT, 'CopilotdGhost' } }
  vim.api.nvim_buf_set_extmark(buffer, namespace, 0, 0, { virt_text = text, virt_text_pos = 'eol' })
end

return M
