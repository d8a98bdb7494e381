--- Two versions of some lines, side by side. Lines only: this module knows no buffer.
local M = {}

---@class copilotd.Added
---@field row integer the old line beside which they stand, from 0
---@field above boolean whether they stand above it, or else below
---@field lines string[]

--- What goes away and what comes.
---@param old string[]
---@param new string[]
---@return { removed: integer[], added: copilotd.Added[] } rows from 0
function M.between(old, new)
  local removed, added = {}, {}
  for _, hunk in ipairs(M.hunks(old, new)) do
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

function M.hunks(old, new)
  local options = { result_type = 'indices', algorithm = 'histogram' }
  return vim.diff(M.text(old), M.text(new), options)
end

function M.text(lines)
  return #lines == 0 and '' or table.concat(lines, '\n') .. '\n'
end

return M
