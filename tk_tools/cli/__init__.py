"""The commands, one file each: options, help, and one call into the library. No work is done here."""
