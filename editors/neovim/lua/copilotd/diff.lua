--- Compares two lists of lines. This module does not access any buffer.
local M = {}

---@class copilotd.AddedLines
---@field row integer the old line beside which the new lines are drawn, from 0
---@field above boolean whether they are drawn above that line, or below it
---@field lines string[]

--- The old lines that are removed, and the new lines that are added.
---@param old string[]
---@param new string[]
---@return { removed: integer[], added: copilotd.AddedLines[] } rows from 0
function M.compare(old, new)
  local removed, added = {}, {}
  for _, hunk in ipairs(M.compute_hunks(old, new)) do
    local from, count, new_from, new_count = unpack(hunk)
    for row = from, from + count - 1 do
      table.insert(removed, row - 1)
    end
    if new_count > 0 then
      local row = (count == 0 and from or from + count - 1) - 1
      local lines = vim.list_slice(new, new_from, new_from + new_count - 1)
      table.insert(added, { row = math.max(row, 0), above = row < 0, lines = lines })
    end
  end
  return { removed = removed, added = added }
end

function M.compute_hunks(old, new)
  local options = { result_type = 'indices', algorithm = 'histogram' }
  return vim.diff(M.join(old), M.join(new), options)
end

function M.join(lines)
  return #lines == 0 and '' or table.concat(lines, '\n') .. '\n'
end

return M
