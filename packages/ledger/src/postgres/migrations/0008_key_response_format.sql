-- What an answer to this key carries where the request does not say; null: what the gateway's setting says.
ALTER TABLE keys ADD COLUMN response_format text CHECK (response_format IN ('both', 'url', 'b64_json'));
