"""What a swap came to, as pictures, tables and one HTML file."""
