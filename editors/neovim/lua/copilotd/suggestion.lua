--- What a suggestion still adds to the text, whatever was typed since it came. Strings only: this
--- module knows no buffer and draws nothing.
local M = {}

---@class copilotd.Suggestion
---@field text string all that was offered
---@field head string the line in front of it
---@field tail string the line behind what it replaces

---@class copilotd.Rest
---@field text string what is not typed yet
---@field marks integer[] where `text` has its own copy of each closing bracket behind the cursor

---@class copilotd.Drawing
---@field inline { offset: integer, text: string }[] pieces, so many bytes behind the cursor
---@field lines string[] whole lines below
---@field hidden integer how many bytes behind the cursor will move to another line

--- What is left of `suggestion`, or nil if the text is no longer the one that it goes on with.
---
--- Behind the cursor may stand closing brackets that an editor writes by itself, if the suggestion
--- has its own.
---@param suggestion copilotd.Suggestion
---@param typed string what stands between the place of the suggestion and the cursor
---@param after string the line behind the cursor
---@return copilotd.Rest?
function M.rest(suggestion, typed, after)
  local text, tail = suggestion.text, suggestion.tail
  if #typed >= #text or not vim.startswith(text, typed) or not vim.endswith(after, tail) then
    return nil
  end
  local left, closers = text:sub(#typed + 1), after:sub(1, #after - #tail)
  local marks = closers:find('^[^%w%s_]*$') and M.marks(left, closers)
  return marks and { text = left, marks = marks } or nil
end

--- Where `text` has each of `closers`: in its first line if that is possible, as far right as can
--- be. Nil if it has not got them all.
---@return integer[]?
function M.marks(text, closers)
  return M.last_places(text:match('^[^\n]*'), closers) or M.last_places(text, closers)
end

---@return integer[]?
function M.last_places(text, closers)
  local places, at = {}, #text
  for i = #closers, 1, -1 do
    while at > 0 and text:byte(at) ~= closers:byte(i) do
      at = at - 1
    end
    if at == 0 then
      return nil
    end
    table.insert(places, 1, at)
    at = at - 1
  end
  return places
end

--- The first word, with the blanks and line ends in front of it.
---@param text string
---@return string
function M.word(text)
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w%s_\128-\255]+') or text
end

--- The first line; the second if the text begins with a line end.
---@param text string
---@return string
function M.line(text)
  return text:match('^\n?[^\n]*')
end

--- How many bytes behind the cursor `part` replaces, the beginning of `rest.text`.
---@param rest copilotd.Rest
---@param part string
---@return integer
function M.replaced(rest, part)
  local count = 0
  while rest.marks[count + 1] and rest.marks[count + 1] <= #part do
    count = count + 1
  end
  return count
end

--- Where to draw `rest`, so that brackets which are there already are not drawn a second time.
---@param rest copilotd.Rest
---@return copilotd.Drawing
function M.drawing(rest)
  local lines = vim.split(rest.text, '\n', { plain = true })
  local first = table.remove(lines, 1)
  if M.replaced(rest, first) < #rest.marks then
    return { inline = { { offset = 0, text = first } }, lines = lines, hidden = #rest.marks }
  end
  return { inline = M.pieces(first, rest.marks), lines = lines, hidden = 0 }
end

function M.pieces(line, marks)
  local pieces, from = {}, 1
  for i = 1, #marks + 1 do
    local text = line:sub(from, (marks[i] or #line + 1) - 1)
    if text ~= '' then
      table.insert(pieces, { offset = i - 1, text = text })
    end
    from = (marks[i] or #line) + 1
  end
  return pieces
end

return M
