"""What happens to a plan between being proposed and its end, besides being voted on and carried out."""
