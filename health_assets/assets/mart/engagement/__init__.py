"""Users: how much is the product used, by whom, which part of it?"""
