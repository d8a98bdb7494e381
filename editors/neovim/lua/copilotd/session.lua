--- The ghost text of each buffer, from a key to the screen.
local M = {}

local client = require('copilotd.client')
local ghost = require('copilotd.ghost')
local menu = require('copilotd.menu')
local revival = require('copilotd.revival')
local scope = require('copilotd.scope')
local suggestion = require('copilotd.suggestion')

local INVOKED, AUTOMATIC = 1, 2

---@class copilotd.Place
---@field row integer from 0
---@field column integer bytes, from 0
---@field tick integer

---@class copilotd.Offered: copilotd.Suggestion
---@field item table as the server sent it
---@field row integer
---@field column integer where its text begins

---@class copilotd.Session
---@field place? copilotd.Place where the cursor was when it was last followed
---@field offered? copilotd.Offered
---@field cancel fun() calls back the request that runs, if one does

---@type table<integer, copilotd.Session>
local sessions = {}

---@return copilotd.Session
local function session(bufnr)
  sessions[bufnr] = sessions[bufnr] or { cancel = function() end }
  return sessions[bufnr]
end

--- Follows the cursor after a key: what was offered stays while the user types it, and the server
--- is asked what comes next.
---@param bufnr integer the current buffer
function M.follow(bufnr)
  local state, place = session(bufnr), M.place(bufnr)
  if vim.deep_equal(state.place, place) then
    return
  end
  state.place = place
  if menu.visible() or not scope.includes(bufnr) then
    return M.clear(bufnr)
  end
  M.draw(bufnr)
  M.ask(bufnr, AUTOMATIC)
end

--- Follows again although nothing moved: a menu closed, or a switch was turned.
---@param bufnr integer
function M.refresh(bufnr)
  session(bufnr).place = nil
  if M.is_inserting(bufnr) and client.of(bufnr) then
    M.follow(bufnr)
  end
end

--- Asks again: more was written of what is shown.
---@param bufnr integer
function M.grown(bufnr)
  local state = session(bufnr)
  if state.offered and M.is_inserting(bufnr) and vim.deep_equal(state.place, M.place(bufnr)) then
    M.ask(bufnr, AUTOMATIC)
  end
end

---@param bufnr integer
function M.trigger(bufnr)
  session(bufnr).place = M.place(bufnr)
  M.ask(bufnr, INVOKED)
end

--- Takes the ghost text away, and calls back what runs.
---@param bufnr integer
function M.clear(bufnr)
  local state = session(bufnr)
  state.cancel()
  state.offered = nil
  ghost.clear(bufnr)
end

--- Clears, and lets the server know that it was not wanted.
---@param bufnr integer
function M.dismiss(bufnr)
  local offered, server = session(bufnr).offered, client.of(bufnr)
  if offered and server and offered.item.command then
    client.execute(server, 'copilotd.reject', offered.item.command.arguments)
  end
  M.clear(bufnr)
end

--- Clears what there is; the cursor has left.
---@param bufnr integer
function M.forget(bufnr)
  if sessions[bufnr] then
    M.clear(bufnr)
    sessions[bufnr] = nil
  end
end

--- What the ghost text would still add, what is typed of it, and what it came from.
---@param bufnr integer
---@return copilotd.Rest? rest nil if nothing is offered here
---@return string typed
---@return copilotd.Offered? offered
function M.rest(bufnr)
  local offered = session(bufnr).offered
  if not offered or bufnr ~= vim.api.nvim_get_current_buf() then
    return nil, ''
  end
  local place = M.place(bufnr)
  local typed = M.typed(bufnr, offered, place)
  local line = vim.api.nvim_get_current_line()
  local rest = typed and suggestion.rest(offered, typed, line:sub(place.column + 1))
  return rest, typed or '', offered
end

--- Draws what is left of the suggestion, and drops it if nothing is.
---@param bufnr integer
function M.draw(bufnr)
  local rest = M.rest(bufnr)
  if rest then
    local place = M.place(bufnr)
    ghost.draw(bufnr, place.row, place.column, rest)
  else
    session(bufnr).offered = nil
    ghost.clear(bufnr)
  end
end

---@param bufnr integer
---@param kind integer
function M.ask(bufnr, kind)
  local state, server = session(bufnr), client.of(bufnr)
  state.cancel()
  if not server then
    return
  end
  local place = M.place(bufnr)
  local params = vim.lsp.util.make_position_params(0, server.offset_encoding)
  params.context = { triggerKind = kind }
  state.cancel = client.request(
    server,
    bufnr,
    'textDocument/inlineCompletion',
    params,
    function(error, result)
      if not error then
        revival.works()
      end
      if M.is_inserting(bufnr) and vim.deep_equal(place, M.place(bufnr)) and not menu.visible() then
        M.answered(bufnr, server, place, not error and result or {})
        M.tell_if_empty(bufnr, kind)
      end
    end
  )
end

--- Shows the answer to a request that was made at `place`, where the cursor still is.
---@param bufnr integer
---@param server vim.lsp.Client
---@param place copilotd.Place
---@param result table
function M.answered(bufnr, server, place, result)
  local item = (result.items or result)[1]
  session(bufnr).offered = item and M.offered(item, place, server.offset_encoding)
  M.draw(bufnr)
  if session(bufnr).offered then
    server:notify('textDocument/didShowCompletion', { item = item })
  end
end

--- Who asks by hand waits for an answer.
function M.tell_if_empty(bufnr, kind)
  if kind == INVOKED and not session(bufnr).offered then
    vim.notify('copilotd: no suggestion here')
  end
end

---@return copilotd.Offered
function M.offered(item, place, encoding)
  local line = vim.api.nvim_get_current_line()
  local from, to = place.column, place.column
  if item.range then
    from = vim.str_byteindex(line, encoding, item.range.start.character, false)
    to = vim.str_byteindex(line, encoding, item.range['end'].character, false)
  end
  return {
    item = item,
    row = place.row,
    column = from,
    text = item.insertText,
    head = line:sub(1, from),
    tail = line:sub(to + 1),
  }
end

--- The text between the beginning of what is offered and the cursor; nil if that is not behind it
--- any more.
---@return string?
function M.typed(bufnr, offered, place)
  local before = place.row < offered.row or (place.row == offered.row and place.column < offered.column)
  if before or offered.row >= vim.api.nvim_buf_line_count(bufnr) then
    return nil
  end
  local text = vim.api.nvim_buf_get_text(bufnr, offered.row, 0, place.row, place.column, {})
  local joined = table.concat(text, '\n')
  if vim.startswith(joined, offered.head) then
    return joined:sub(#offered.head + 1)
  end
end

---@return copilotd.Place
function M.place(bufnr)
  local cursor = vim.api.nvim_win_get_cursor(0)
  return { row = cursor[1] - 1, column = cursor[2], tick = vim.api.nvim_buf_get_changedtick(bufnr) }
end

function M.is_inserting(bufnr)
  return bufnr == vim.api.nvim_get_current_buf() and vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

return M
