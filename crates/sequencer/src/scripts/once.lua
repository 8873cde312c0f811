  -- For requests with an idempotency key; stands inside the scripts that give numbers, behind the guard. A key's record is one text,
  --   <P or C> <epoch> <first number> <event id> <created at, ms> <fingerprint>
  -- P, pending: the numbers were taken, and whether the event was confirmed is not known. C: the broker has confirmed it.
  -- Only who takes numbers writes a record, in the same step; so of two requests with a key one takes them and the other sees it.

  -- Returns an answer if there is nothing to be taken and nothing to be published. Else what is pending in this epoch, or nothing
  -- if numbers are to be taken: because there is no record, or because the one there names the event `superseded`, of which the
  -- caller knows that it was not stored and never will be.
  recall = function(key, fingerprint, superseded)
    local text = redis.call('GET', key)
    if not text then
      return nil, nil
    end
    local state, epoch, number, event, at, print = string.match(text, '^(%u) (%d+) (%d+) (%x+) (%d+) (%x+)$')
    if print ~= fingerprint then
      return {'REUSED'}, nil
    elseif state == 'C' then
      return {'CONFIRMED', number}, nil
    elseif epoch == '{epoch}' then
      return nil, {number, event, at}
    elseif event == superseded then
      return nil, nil
    end
    return {'UNSETTLED', number, event}, nil
  end

  -- `event`: its id and its moment. The number is written in digits: Lua's own way would round one of 15.
  remember = function(key, number, event, fingerprint, ttl)
    redis.call('SET', key, string.format('P {epoch} %.0f %s %s', number, event, fingerprint), 'EX', ttl)
  end
