"""The tests' own AWS: moto's server with the gaps closed that an evidence collector meets, and worlds to seed it with."""
