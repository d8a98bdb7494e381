--- Draws an edit over the lines that it would change, and asks whether to make it.
local M = {}

local config = require('copilotd.config')
local difference = require('copilotd.difference')

local NAMESPACE = vim.api.nvim_create_namespace('copilotd.preview')

---@class copilotd.Preview
---@field selected copilotd.Selection
---@field restore fun()[] gives the keys back
---@field rejected fun()
---@field accepted? fun()
---@field tick integer

local previews = {} ---@type table<integer, copilotd.Preview> by buffer

--- Marks the lines that an answer is being written for.
---@param selected copilotd.Selection
---@param rejected fun() called if the user wants it no more
function M.begin(selected, rejected)
  local bufnr = selected.bufnr
  M.close(bufnr)
  previews[bufnr] = {
    selected = selected,
    rejected = rejected,
    restore = {},
    tick = vim.api.nvim_buf_get_changedtick(bufnr),
  }
  M.map(bufnr, config.current.edit.reject, M.reject)
  M.write(bufnr, '')
end

--- Shows what was written so far, below the old lines.
function M.write(bufnr, text)
  local preview = previews[bufnr]
  if preview then
    vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
    local lines = text == '' and {} or vim.split(text, '\n', { plain = true })
    M.hint(preview, ('copilotd writes … %s stops'):format(config.current.edit.reject or ':Copilotd reject'))
    M.added(bufnr, preview.selected.last - 1, lines, false)
  end
end

--- Shows the difference to `lines`, and calls `accepted` if the user takes it.
---@param selected copilotd.Selection
---@param lines string[]
---@param accepted fun()
---@return boolean changes whether there is any difference
function M.offer(selected, lines, accepted)
  local bufnr = selected.bufnr
  local old = vim.api.nvim_buf_get_lines(bufnr, selected.first, selected.last, false)
  local changes = difference.between(old, lines)
  if #changes.removed + #changes.added == 0 then
    return false
  end
  M.begin(selected, function() end)
  M.map(bufnr, config.current.edit.accept, M.accept)
  previews[bufnr].accepted = accepted
  M.draw(previews[bufnr], changes)
  M.close_on_change(bufnr)
  return true
end

--- Makes the edit.
function M.accept(bufnr)
  local preview = previews[bufnr]
  if preview and preview.accepted then
    M.close(bufnr)
    preview.accepted()
  end
end

--- Leaves the text as it is.
function M.reject(bufnr)
  local preview = previews[bufnr]
  if preview then
    M.close(bufnr)
    preview.rejected()
  end
end

function M.close(bufnr)
  local preview = previews[bufnr]
  if preview then
    previews[bufnr] = nil
    vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
    vim.iter(preview.restore):each(function(restore)
      restore()
    end)
  end
end

--- The difference belongs to the text that it was made for.
function M.close_on_change(bufnr)
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI' }, {
    buffer = bufnr,
    callback = function()
      local preview = previews[bufnr]
      if preview and preview.tick == vim.api.nvim_buf_get_changedtick(bufnr) then
        return
      end
      M.close(bufnr)
      return true
    end,
  })
end

---@param preview copilotd.Preview
function M.draw(preview, changes)
  local bufnr, first = preview.selected.bufnr, preview.selected.first
  vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
  for _, row in ipairs(changes.removed) do
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, first + row, 0, { line_hl_group = 'CopilotdOld' })
  end
  for _, added in ipairs(changes.added) do
    M.added(bufnr, first + added.row, added.lines, added.above)
  end
  local keys = config.current.edit
  M.hint(
    preview,
    ('%s accepts, %s rejects'):format(keys.accept or ':Copilotd accept', keys.reject or ':Copilotd reject')
  )
end

function M.added(bufnr, row, lines, above)
  if #lines == 0 then
    return
  end
  local virtual = vim.tbl_map(function(line)
    return { { line .. (' '):rep(vim.o.columns - vim.fn.strdisplaywidth(line)), 'CopilotdNew' } }
  end, lines)
  vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, row, 0, { virt_lines = virtual, virt_lines_above = above })
  if above and row == 0 then
    -- Lines above the first one are out of sight until somebody scrolls there.
    vim.fn.winrestview({ topfill = #lines })
  end
end

function M.hint(preview, text)
  local virtual = { { ' ' .. text, 'CopilotdHint' } }
  local selected = preview.selected
  vim.api.nvim_buf_set_extmark(selected.bufnr, NAMESPACE, selected.first, 0, { virt_text = virtual })
end

--- Maps a key of normal mode until the preview is closed.
function M.map(bufnr, key, action)
  if not key then
    return
  end
  local earlier = vim.iter(vim.api.nvim_buf_get_keymap(bufnr, 'n')):find(function(map)
    return map.lhsraw == vim.keycode(key)
  end)
  vim.keymap.set('n', key, function()
    action(bufnr)
  end, { buffer = bufnr, nowait = true, desc = 'copilotd: the edit that is shown' })
  table.insert(previews[bufnr].restore, function()
    vim.keymap.del('n', key, { buffer = bufnr })
    if earlier then
      vim.api.nvim_buf_call(bufnr, function()
        vim.fn.mapset('n', false, earlier)
      end)
    end
  end)
end

return M
