--- Shows a result of the server in a floating window.
local M = {}

--- Opens the window; `q` closes it.
---@param title string
---@param result table
function M.show(title, result)
  local lines = M.format_table(result, '')
  local height = math.min(#lines, math.floor(vim.o.lines * 0.8))
  local width = math.floor(vim.o.columns * 0.8)
  local bufnr = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(bufnr, 0, -1, false, lines)
  vim.bo[bufnr].modifiable, vim.bo[bufnr].bufhidden = false, 'wipe'
  vim.keymap.set('n', 'q', vim.cmd.close, { buffer = bufnr, nowait = true })
  vim.api.nvim_open_win(bufnr, true, {
    relative = 'editor',
    row = math.floor((vim.o.lines - height) / 2) - 1,
    col = math.floor((vim.o.columns - width) / 2),
    width = width,
    height = math.max(height, 1),
    border = 'rounded',
    title = (' copilotd: %s '):format(title),
  })
end

--- A table as lines of `name: value`. Tables and long texts are indented below their name.
---@param value table
---@param indent string
---@return string[]
function M.format_table(value, indent)
  local lines = {}
  for name, entry in vim.spairs(value) do
    local label = type(name) == 'number' and '-' or ('%s:'):format(name)
    if type(entry) == 'table' then
      table.insert(lines, indent .. label)
      vim.list_extend(lines, M.format_table(entry, indent .. '  '))
    else
      vim.list_extend(lines, M.format_value(indent .. label, entry, indent .. '  '))
    end
  end
  return lines
end

function M.format_value(label, value, indent)
  local text = vim.split(tostring(value), '\n', { plain = true })
  if #text == 1 then
    return { ('%s %s'):format(label, text[1]) }
  end
  local below = vim.tbl_map(function(line)
    return indent .. line
  end, text)
  return { label, unpack(below) }
end

return M
