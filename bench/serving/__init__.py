"""Search as a server: OpenAI's chat completions and completions, answered by a search.

What a request may ask is read in `reading`, searched in `searches`, and told in `replies`; `app`
has the routes, `server` starts and ends it all. It grades nothing: nobody gives it a reference.
"""
