"""`python run_api.py` starts the service; `python run_api.py --help` lists its settings."""

from bootstrap.main import main

if __name__ == "__main__":
    main()
