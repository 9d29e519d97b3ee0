-- In how many places each hold is, as on PostgreSQL, where states are tables. Here the state is a column: always one.
CREATE VIEW hold_places AS SELECT id, 1 AS places FROM holds;
