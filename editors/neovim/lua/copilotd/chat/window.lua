--- The buffer that shows the conversation, and its window.
local M = {}

local config = require('copilotd.config')
local transcript = require('copilotd.chat.transcript')

local NAME = 'copilotd://chat'
local HINT = '<CR> or :w sends, <C-c> stops, gp puts a code block into the file, q closes'

local buffer ---@type integer?

--- Opens the chat window and moves the cursor there.
---@param keys table<string, fun()> the action of each key in the buffer
function M.open(keys)
  if not (buffer and vim.api.nvim_buf_is_valid(buffer)) then
    M.create_buffer(keys)
  end
  local window = vim.fn.bufwinid(buffer)
  if window ~= -1 then
    return vim.api.nvim_set_current_win(window)
  end
  vim.cmd(('botright vertical %dsplit'):format(math.floor(vim.o.columns * config.current.chat.width)))
  vim.api.nvim_win_set_buf(0, buffer)
  local options = vim.wo[0][0]
  options.wrap, options.linebreak, options.number, options.relativenumber = true, true, false, false
  M.scroll_to_end()
end

--- Closes the chat window. If it is the only window, it shows the previous file instead.
function M.close()
  if #vim.api.nvim_tabpage_list_wins(0) > 1 then
    return vim.cmd.close()
  end
  local previous = vim.fn.bufnr('#')
  if previous > 0 and vim.bo[previous].buflisted then
    vim.api.nvim_win_set_buf(0, previous)
  else
    vim.cmd.enew()
  end
end

---@return string[]
function M.get_lines()
  return vim.api.nvim_buf_get_lines(buffer, 0, -1, false)
end

---@return integer?
function M.get_buffer()
  return buffer
end

--- Adds a turn with `heading` at the end.
---@param heading string
---@param text? string
function M.add_turn(heading, text)
  local lines = M.get_lines()
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
  M.finish_write()
end

--- Removes an unsent question and its heading.
function M.remove_draft()
  local lines = M.get_lines()
  for row = #lines, 1, -1 do
    if lines[row] == transcript.QUESTION then
      return vim.api.nvim_buf_set_lines(buffer, row - 1, -1, false, {})
    end
  end
end

--- Appends text to the last line.
---@param text string
function M.append(text)
  local row = vim.api.nvim_buf_line_count(buffer) - 1
  local column = #vim.api.nvim_buf_get_lines(buffer, row, -1, false)[1]
  vim.api.nvim_buf_set_text(buffer, row, column, row, column, vim.split(text, '\n', { plain = true }))
  M.finish_write()
end

--- Scrolls to the end, and marks the buffer as saved so that `:quit` does not complain about it.
function M.finish_write()
  vim.bo[buffer].modified = false
  M.scroll_to_end()
end

function M.scroll_to_end()
  local window = vim.fn.bufwinid(buffer)
  if window ~= -1 then
    vim.api.nvim_win_set_cursor(window, { vim.api.nvim_buf_line_count(buffer), 0 })
  end
end

function M.create_buffer(keys)
  buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_name(buffer, NAME)
  vim.bo[buffer].buftype, vim.bo[buffer].bufhidden = 'acwrite', 'hide'
  vim.bo[buffer].filetype = 'markdown'
  vim.api.nvim_create_autocmd('BufWriteCmd', { buffer = buffer, callback = keys['<CR>'] })
  for key, action in pairs(keys) do
    vim.keymap.set('n', key, action, { buffer = buffer, desc = 'copilotd chat' })
  end
  M.add_turn(transcript.QUESTION)
  M.draw_hint()
end

function M.draw_hint()
  local namespace = vim.api.nvim_create_namespace('copilotd.chat')
  local text = { { HINT, 'CopilotdGhost' } }
  vim.api.nvim_buf_set_extmark(buffer, namespace, 0, 0, { virt_text = text, virt_text_pos = 'eol' })
end

return M
