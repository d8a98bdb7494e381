--- Reads the conversation from the lines of the chat buffer. This module does not access any buffer.
local M = {}

M.QUESTION = '## You'
M.ANSWER = '## copilotd'

local COMMANDS = { explain = true, fix = true, tests = true, doc = true }

--- The text below the last question heading, without the blank lines around it.
---@param lines string[]
---@return string
function M.get_draft(lines)
  for row = #lines, 1, -1 do
    if lines[row] == M.QUESTION then
      return vim.trim(table.concat(lines, '\n', row + 1))
    end
  end
  return ''
end

--- Parses a draft: `/fix please` is the command `fix` with the content `please`.
---@param draft string
---@return { role: string, content: string, command: string? }
function M.parse_message(draft)
  local command, content = draft:match('^/(%l+)%s*(.*)$')
  if command and COMMANDS[command] then
    return { role = 'user', content = content, command = command }
  end
  return { role = 'user', content = draft }
end

--- The lines of the fenced code block around `row`, without its fences; nil if there is none.
---@param lines string[]
---@param row integer from 1
---@return string[]?
function M.get_code_block(lines, row)
  local fence, from
  for at, line in ipairs(lines) do
    local mark = line:match('^%s*(```+)') or line:match('^%s*(~~~+)')
    if mark and not fence then
      fence, from = mark, at
    elseif mark and vim.startswith(mark, fence) and vim.trim(line) == mark then
      if row >= from and row <= at then
        return vim.list_slice(lines, from + 1, at - 1)
      end
      fence = nil
    end
  end
end

return M
