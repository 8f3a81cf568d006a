"""What follows from an event across subjects, inside the unit of work of one service.

Services do not call each other; what several of them need together stands here.
"""
