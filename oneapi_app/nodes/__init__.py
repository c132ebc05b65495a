"""Several processes on one database: what changed on one reaches the memory of the others, periodic work is one's.

``bus`` carries events over Redis, ``memory`` applies them, ``duties`` says who does what. Balances are not this
package's: the ledger keeps them exact in the database, with or without Redis.
"""
