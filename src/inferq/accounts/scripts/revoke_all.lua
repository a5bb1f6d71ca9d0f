#!lua flags=allow-oom
-- Ends all credentials of a user of some kinds. ARGV: user id, kinds. Returns how many there were.
local kinds = {}
for i = 2, #ARGV do kinds[ARGV[i]] = true end
local dropped = drop(ARGV[1], kinds)
tell(ARGV[1])
return dropped
