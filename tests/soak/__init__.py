"""Strike the pipeline from outside at random, run it again, and compare every table with an undisturbed twin's."""
