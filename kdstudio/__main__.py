"""`python -m kdstudio` is `kdstudio`."""

from kdstudio.app import main

if __name__ == "__main__":
    main()
