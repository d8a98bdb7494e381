--- Fails with both values if they differ.
return function(actual, expected)
  if not vim.deep_equal(actual, expected) then
    error(('%s is not %s'):format(vim.inspect(actual), vim.inspect(expected)), 2)
  end
end
